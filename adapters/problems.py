"""Errors over HTTP: RFC 9457 problem documents with a stable ``type``. Used by the API and the page alike."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web

from core import errors as e

_STATUS: tuple[tuple[type[e.NexusError], HTTPStatus], ...] = (
    (e.Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (e.Forbidden, HTTPStatus.FORBIDDEN),
    (e.NotFound, HTTPStatus.NOT_FOUND),
    (e.Conflict, HTTPStatus.CONFLICT),
    (e.TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (e.AppError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (e.UserError, HTTPStatus.BAD_REQUEST),
    (e.OperatorError, HTTPStatus.SERVICE_UNAVAILABLE),
    (e.TemporaryError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def status_of(error: e.NexusError) -> HTTPStatus:
    """The HTTP status that tells of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_document(error: e.NexusError, **more: object) -> dict[str, object]:
    """The document; an app's failure carries its ``log_tail``."""
    status = status_of(error)
    body: dict[str, object] = {
        "type": f"/problems/{error.kind}",
        "title": status.phrase,
        "status": status.value,
        "detail": error.message,
    }
    if isinstance(error, e.AppError):
        body["log_tail"] = error.log_tail
    return body | more


def problem(error: e.NexusError, **more: object) -> web.Response:
    """The document as an answer."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, e.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, e.TemporaryError):
        headers["Retry-After"] = "2"
    return web.Response(
        text=json.dumps(problem_document(error, **more)),
        status=status_of(error).value,
        content_type="application/problem+json",
        headers=headers,
    )
