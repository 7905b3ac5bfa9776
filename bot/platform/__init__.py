"""The embedded platform: the data folder, the programs, Postgres and Caddy.

Used by `bot.wiring` and the CLI. Nothing in core or adapters knows it: they are given a socket, a DSN or a path.
"""
