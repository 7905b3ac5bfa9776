"""Puts the app together: health, the JSON API, the page."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from app.db import database
from app.features import FEATURES
from app.problems import install_problem_handlers
from app.resources import ROUTERS

STATIC = Path(__file__).parent.parent / "static"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await database.close()


app = FastAPI(lifespan=lifespan, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
install_problem_handlers(app)
for install in FEATURES:
    install(app)


@app.middleware("http")
async def revalidate(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Browsers ask again after a deploy, and get a short 304 when nothing changed."""
    response = await call_next(request)
    response.headers.setdefault("cache-control", "no-cache")
    response.headers.setdefault("x-content-type-options", "nosniff")
    return response


@app.get("/healthz")
async def healthz() -> JSONResponse:
    """200 only while the database answers."""
    try:
        async with asyncio.timeout(3):
            healthy = await database.value("SELECT 1") == 1
    except Exception as error:  # whatever is wrong, the answer is the same
        print(f"healthz: the database does not answer: {type(error).__name__}: {error}", flush=True)
        healthy = False
    return JSONResponse({"status": "ok" if healthy else "unavailable", "database": healthy}, 200 if healthy else 503)


for router in ROUTERS:
    app.include_router(router, prefix="/api")

app.mount("/", StaticFiles(directory=STATIC, html=True))
