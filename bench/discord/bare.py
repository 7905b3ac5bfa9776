"""What it is compared to: a discord.py bot that defers every command and does nothing else. Run by the benchmark as a process of its own.

``python -m bench.discord.bare``; the rest is in the environment, by Nexus's own names.
"""

from __future__ import annotations

import os
from typing import Any

import discord


class Bare(discord.Client):
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)


if __name__ == "__main__":
    discord.http.Route.BASE = os.environ["DISCORD_API_URL"]
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = discord.gateway.yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    Bare(intents=discord.Intents(guilds=True)).run(os.environ.pop("DISCORD_TOKEN"), log_handler=None)
