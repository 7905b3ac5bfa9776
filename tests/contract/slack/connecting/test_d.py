import asyncio, pytest
from dataclasses import replace
from tests.contract.slack.connecting.conftest import *
@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a(slack, ada, bolt, heard, reason, n):
        async with running(so := sockets_of(slack, bolt, heard, pauses=replace(PAUSES, leaving=30.0))) as task:
            await slack.wait_for_sockets(2)
            first, second = slack.sockets.live
            await first.disconnect(reason)
            await second.disconnect(reason)
            try:
                await slack.wait_for(lambda: len(slack.sockets.live)>=4, timeout=3)
            finally:
                print(len(slack.sockets.live), [(s.number, s.ws.closed, s.ws.close_code, s.leaving) for s in slack.sockets.ever], so._sockets, so._work, task)
