"""Runs inside the walls, beside the browser: starts it, waits to be told what to open, looks at the pages, and writes down what it saw.

Run as a file by `adapters.browsers.chromium`, with the browser's command line as its arguments; ``/app`` is the folder that it
shares with Nexus. Chromium cannot speak HTTP over a unix socket, and there is no network in here: so a relay listens on the loopback
interface of these walls and hands everything on to the app's socket. The browser is driven over two pipes
(``--remote-debugging-pipe``), which no page can reach.

Standard library only. The page is hostile: whatever it prints, asks for or never ends is bounded here, and once more from outside,
where nothing that this process writes is believed.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

    Message = dict[str, Any]

PORT = 8000  #: of the relay
HOST = "try-out.localhost"  #: what the pages are called; a secure context, as every name below localhost
ORIGIN = f"http://{HOST}:{PORT}"
WIDE = (1280, 800)
NARROW = (390, 844)
MAX_PICTURE = 300_000  #: bytes; a larger one becomes a JPEG

_SAID = "/tmp/browser.log"  # noqa: S108 - a private tmpfs; what the browser says of itself
_MAX_MESSAGE = 24_000_000  # bytes of one message of the browser's; a longer one is passed over
_MAX_ERRORS = 12
_MAX_TEXT = 400
_MAX_DIALOGS = 20
_CALL = 10.0  # seconds for the browser to answer
_SETTLE = 3.0  # seconds more for it to come to rest
_QUIET = 0.1  # seconds without a request: at rest
_WAITED_FOR = frozenset({"Document", "Stylesheet", "Image", "Font", "Script", "XHR", "Fetch", "Other"})

_LOOK = """(() => {
  const body = document.body;
  const text = body ? body.innerText.trim().length : 0;
  const things = body ? body.querySelectorAll('img, svg, canvas, video, input, button, select, textarea, iframe').length : 0;
  return [text, things, document.documentElement.scrollWidth];
})()"""
_PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"


def start_browser(argv: list[str]) -> tuple[int, int]:
    """Start it; returns where it is told and where it answers. Before anything else, so that both start at the same time."""
    its_input, told = os.pipe()
    answers, its_output = os.pipe()
    if os.fork() == 0:
        try:
            import fcntl

            ends = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (its_input, its_output)]
            for fd, end in zip((3, 4), ends, strict=True):  # the numbers that the browser knows
                os.dup2(end, fd)
            os.dup2(os.open(_SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            os.closerange(5, 64)
            os.execv(argv[0], argv)  # noqa: S606
        except OSError as error:
            os.write(2, f"cannot start {argv[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(127)
    os.close(its_input)
    os.close(its_output)
    return told, answers


class Trouble(Exception):
    """The page is to blame: it cannot be looked at any further."""


class Gone(Exception):
    """The browser is gone, or does not answer."""


class Page:
    """What is noticed of one page while it is open."""

    def __init__(self, path: str, forgiven: list[int]) -> None:
        self.path = path
        self.forgiven = forgiven
        self.requests = 0
        self.pending: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        self.errors: list[str] = []
        self.error_count = 0
        self.elsewhere: list[str] = []
        self.dialogs = 0
        self.loaded = False
        self.crashed = False
        self.last = time.monotonic()

    def error(self, text: str) -> None:
        text = " ".join(text.replace(ORIGIN, "").split())[:_MAX_TEXT]
        self.error_count += 1
        if len(self.errors) < _MAX_ERRORS and text not in self.errors:
            self.errors.append(text)

    def noticed(self, method: str, params: Message) -> None:
        handle = getattr(self, "_" + method.replace(".", "_"), None)
        if handle is not None:
            handle(params)

    def _Page_loadEventFired(self, params: Message) -> None:  # noqa: N802 - the protocol's name
        self.loaded = True
        self.last = time.monotonic()

    def _Inspector_targetCrashed(self, params: Message) -> None:  # noqa: N802
        self.crashed = True

    def _Network_requestWillBeSent(self, params: Message) -> None:  # noqa: N802
        url, number = params["request"]["url"], params["requestId"]
        if not url.startswith(("http:", "https:", "ws:", "wss:")):
            return
        self.last = time.monotonic()
        if not self._own(url):
            if len(self.elsewhere) < _MAX_ERRORS:
                self.elsewhere.append(url[:200])
            return
        self.requests += 1
        if len(self.urls) < 2_000:
            self.urls[number] = url
            if params.get("type") in _WAITED_FOR:
                self.pending[number] = url

    def _Network_responseReceived(self, params: Message) -> None:  # noqa: N802
        url, status = params["response"]["url"], int(params["response"]["status"])
        if params.get("type") == "EventSource":
            self.pending.pop(params["requestId"], None)
        if status >= 400 and self._own(url) and status not in self.forgiven and not url.endswith("/favicon.ico"):
            self.error(f"{url} answered {status}")

    def _Network_loadingFinished(self, params: Message) -> None:  # noqa: N802
        self.pending.pop(params["requestId"], None)
        self.last = time.monotonic()

    def _Network_loadingFailed(self, params: Message) -> None:  # noqa: N802
        self.pending.pop(params["requestId"], None)
        self.last = time.monotonic()
        url = self.urls.get(params["requestId"])
        left = params.get("canceled") or params.get("errorText") == "net::ERR_ABORTED"
        if url and not left and not url.endswith("/favicon.ico"):
            self.error(f"{url} could not be loaded: {params.get('errorText', '')}")

    def _Network_webSocketFrameError(self, params: Message) -> None:  # noqa: N802
        self.error(f"WebSocket: {params.get('errorMessage', '')}")

    def _Runtime_exceptionThrown(self, params: Message) -> None:  # noqa: N802
        told = params["exceptionDetails"]
        thrown = told.get("exception", {})
        text = thrown.get("description") or str(thrown.get("value", "")) or ""
        self.error(f"{told.get('text', '')}: {text}" if text else told.get("text", ""))

    def _Runtime_consoleAPICalled(self, params: Message) -> None:  # noqa: N802
        if params["type"] in ("error", "assert"):
            words = [str(arg.get("value", arg.get("description", "")))[:_MAX_TEXT] for arg in params["args"][:8]]
            self.error("console.error: " + " ".join(words))

    def _Log_entryAdded(self, params: Message) -> None:  # noqa: N802
        entry = params["entry"]
        if entry["level"] == "error" and entry["source"] != "network":  # those are counted as requests
            self.error(entry["text"])

    def _own(self, url: str) -> bool:
        return url == ORIGIN or url.startswith((ORIGIN + "/", ORIGIN.replace("http", "ws", 1) + "/"))


class Browser:
    """The browser at the other end of the pipes."""

    def __init__(self, told: int, answers: int) -> None:
        import asyncio
        import json

        self._asyncio, self._json = asyncio, json
        self._told, self._answers = told, answers
        self._buffer = bytearray()
        self._passing = False  # in the middle of a message that is too long
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._changed = asyncio.Event()
        self.session = ""
        self.target = ""
        self.page: Page | None = None
        self.windows = 0
        self.patience = 15.0  # seconds for a page to load
        self.gone = False

    async def begin(self) -> None:
        os.set_blocking(self._answers, False)
        self._asyncio.get_running_loop().add_reader(self._answers, self._read)
        targets = (await self.call("Target.getTargets", wait=30.0))["targetInfos"]
        self.target = next((t["targetId"] for t in targets if t["type"] == "page"), "")
        if not self.target:
            self.target = (await self.call("Target.createTarget", {"url": "about:blank"}))["targetId"]
        attached = await self.call("Target.attachToTarget", {"targetId": self.target, "flatten": True})
        self.session = attached["sessionId"]
        self.send("Browser.setDownloadBehavior", {"behavior": "deny"}, whole=True)
        self.send("Target.setDiscoverTargets", {"discover": True, "filter": [{"type": "page"}]}, whole=True)
        for domain in ("Page", "Runtime", "Network", "Log", "Inspector"):
            self.send(f"{domain}.enable")
        calm = [{"name": "prefers-reduced-motion", "value": "reduce"}, {"name": "prefers-color-scheme", "value": "light"}]
        self.send("Emulation.setEmulatedMedia", {"features": calm})
        await self.size(WIDE, phone=False)

    async def size(self, size: tuple[int, int], *, phone: bool) -> None:
        screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": phone}
        await self.call("Emulation.setDeviceMetricsOverride", screen)

    def send(self, method: str, params: Message | None = None, *, whole: bool = False) -> int:
        """Send; ``whole`` for the browser itself and not for our page."""
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": params or {}}
        if self.session and not whole:
            message["sessionId"] = self.session
        data = self._json.dumps(message).encode() + b"\0"
        try:
            while data:
                data = data[os.write(self._told, data) :]
        except OSError as error:
            raise Gone(str(error)) from error
        return self._number

    async def call(self, method: str, params: Message | None = None, *, wait: float = _CALL) -> Message:
        """Send, and wait for the answer."""
        number = self.send(method, params)
        future: asyncio.Future[Message] = self._asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            answer = await self._asyncio.wait_for(future, wait)
        except TimeoutError as error:
            raise Gone(f"{method} was not answered") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise Gone(f"{method}: {answer['error'].get('message', '')}")
        result: Message = answer["result"]
        return result

    async def changed(self, wait: float) -> None:
        """Until something was noticed, or ``wait`` seconds."""
        self._changed.clear()
        waiting = self._asyncio.ensure_future(self._changed.wait())
        await self._asyncio.wait({waiting}, timeout=wait)
        waiting.cancel()

    def _read(self) -> None:
        try:
            piece = os.read(self._answers, 1 << 18)
        except BlockingIOError:
            return
        if not piece:
            self._asyncio.get_running_loop().remove_reader(self._answers)
            self.gone = True
            self._changed.set()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Gone("the browser ended"))
            return
        *ends, rest = piece.split(b"\0")
        for end in ends:
            if not self._passing:
                self._buffer += end
                self._take(bytes(self._buffer))
            self._passing = False
            self._buffer.clear()
        if not self._passing:
            self._buffer += rest
        if len(self._buffer) > _MAX_MESSAGE:
            if b'"Runtime.consoleAPICalled"' in self._buffer[:300] and b'"type":"error"' in self._buffer[:300] and self.page:
                self.page.error("console.error: a line of many megabytes")
            self._passing = True
            self._buffer.clear()

    def _take(self, data: bytes) -> None:
        message = self._json.loads(data)
        future = self._waiting.get(message.get("id", 0))
        if future is not None and not future.done():
            future.set_result(message)
            return
        method, params = message.get("method", ""), message.get("params", {})
        if method == "Target.targetCreated" and params["targetInfo"]["targetId"] != self.target:
            if params["targetInfo"].get("openerId"):
                self.windows += 1
                self.send("Target.closeTarget", {"targetId": params["targetInfo"]["targetId"]}, whole=True)
        elif method == "Page.javascriptDialogOpening":
            self._dialog(params)
        if self.page is not None and message.get("sessionId") == self.session:
            self.page.noticed(method, params)
        self._changed.set()

    def _dialog(self, params: Message) -> None:
        if self.page is not None:
            self.page.dialogs += 1
            if self.page.dialogs > _MAX_DIALOGS:
                return
        self.send("Page.handleJavaScriptDialog", {"accept": params.get("type") == "beforeunload"})

    # What is done with a page

    async def open(self, page: Page) -> None:
        """Go there and wait until it has come to rest.

        Raises:
            Trouble: it does not get there.
        """
        if self.page is not None:  # what the page before says when it goes is not this one's
            self.page = None
            await self.call("Page.navigate", {"url": "about:blank"})
        self.page = page
        went = await self._of_page(self.call("Page.navigate", {"url": ORIGIN + page.path}, wait=self.patience))
        if went.get("errorText"):
            raise Trouble(f"could not be opened: {went['errorText']}")
        deadline = time.monotonic() + self.patience
        while not page.loaded:
            self._look_after(page)
            if time.monotonic() > deadline:
                raise Trouble(f"was not loaded after {self.patience:g} s")
            await self.changed(deadline - time.monotonic())
        deadline = time.monotonic() + _SETTLE
        while time.monotonic() < deadline:
            self._look_after(page)
            rest = page.last + _QUIET - time.monotonic()
            if not page.pending and rest <= 0:
                break
            await self.changed(max(0.01, min(rest, deadline - time.monotonic())) if not page.pending else 0.2)
        await self.evaluate(_PAINTED)
        self._look_after(page)

    def _look_after(self, page: Page) -> None:
        if self.gone:
            raise Gone("the browser ended")
        if page.crashed:
            raise Trouble("crashed")
        if page.dialogs > _MAX_DIALOGS:
            raise Trouble("opens dialogs without end")

    async def evaluate(self, code: str) -> Any:
        """The value of ``code`` in the page."""
        asked = {"expression": code, "returnByValue": True, "awaitPromise": True}
        answer = await self._of_page(self.call("Runtime.evaluate", asked, wait=max(2.0, self.patience / 3)))
        return answer.get("result", {}).get("value")

    async def _of_page(self, answer: Any) -> Message:
        """Wait for an answer that a page can hold up."""
        try:
            found: Message = await answer
        except Gone as error:
            if self.page is not None:
                self._look_after(self.page)
            raise Trouble("does not respond; a script of it runs without end") from error
        return found

    async def picture(self, name: str) -> str:
        """Take a picture of what can be seen, into the shared folder; returns its file's name, or nothing."""
        import base64

        for asked in ({"format": "png"}, {"format": "jpeg", "quality": 82}, {"format": "jpeg", "quality": 40}):
            try:
                data = base64.b64decode((await self.call("Page.captureScreenshot", asked, wait=3.0))["data"])
            except Gone:
                return ""
            if len(data) <= MAX_PICTURE:
                file = f"{name}.{asked['format']}"
                _write(file, data)
                return file
        return ""


async def relay(path: str) -> None:
    """Hand every connection to the relay's port on to the app's socket."""
    import asyncio

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
        except OSError:
            pass

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_unix_connection(path)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
        inner_writer.close()
        writer.close()

    await asyncio.start_server(connected, "127.0.0.1", PORT)


async def look(browser: Browser, order: Message) -> Message:
    """Open what is wanted, one page after the other."""
    sights: list[Message] = []
    browser.patience = order["patience"]
    pictures: dict[str, str] = {}
    for cookie in order["cookies"]:
        await browser.call("Network.setCookie", {**cookie, "url": ORIGIN, "httpOnly": True, "sameSite": "Lax"})
    for number, path in enumerate(order["paths"]):
        page, trouble, fits = Page(path, order["forgiven"]), "", True
        seen: list[Any] = [0, 0, 0]
        started = time.monotonic()
        try:
            await browser.open(page)
            seen = await browser.evaluate(_LOOK) or seen
            if number == 0 and (wide := await browser.picture("wide")):
                pictures["wide"] = wide
                await browser.size(NARROW, phone=True)
                await browser.evaluate(_PAINTED)
                narrow = await browser.evaluate(_LOOK) or seen
                fits = int(narrow[2]) <= NARROW[0]
                pictures["narrow"] = await browser.picture("narrow")
                await browser.size(WIDE, phone=False)
        except Trouble as error:
            trouble = str(error)
        sights.append(
            {
                "path": path,
                "trouble": trouble,
                "errors": page.errors,
                "error_count": page.error_count,
                "requests": page.requests,
                "elsewhere": page.elsewhere,
                "empty": not trouble and not seen[0] and not seen[1],
                "fits": fits,
                "dialogs": page.dialogs,
                "seconds": time.monotonic() - started,
            }
        )
        if trouble:
            break
    return {"sights": sights, "pictures": pictures, "windows": browser.windows}


def _write(name: str, content: bytes) -> None:
    with open("/app/new", "wb") as file:
        file.write(content)
    os.rename("/app/new", f"/app/{name}")


def _read(path: str, last: int = 1_000_000) -> bytes:
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - last))
        return file.read()


async def serve(told: int, answers: int) -> None:
    import asyncio
    import json

    browser = Browser(told, answers)
    try:
        await browser.begin()
        _write("ready.json", b"{}")
        while not os.path.exists("/app/order.json"):
            if browser.gone:
                raise Gone("the browser ended")
            await asyncio.sleep(0.01)
        order = json.loads(_read("/app/order.json"))
        await relay("/app/app.sock")
        _write("seen.json", json.dumps(await look(browser, order)).encode())
    except Gone as error:
        print(_read(_SAID, 2000).decode(errors="replace"), error, sep="\n", flush=True)
        os._exit(1)
    os._exit(0)  # the walls end the browser and the relay, which would take their time


def main() -> None:
    told, answers = start_browser(sys.argv[1:])
    import asyncio

    asyncio.run(serve(told, answers))


if __name__ == "__main__":
    main()
