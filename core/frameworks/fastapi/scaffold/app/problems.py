"""Errors as problem documents (RFC 9457). Validation errors have a message per field under "errors"."""

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.db import Unreachable

WORDS = {
    "missing": "This is needed.",
    "string_too_short": "This is needed.",
    "bool_parsing": "Say true or false.",
    "bool_type": "Say true or false.",
    "int_parsing": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    "int_type": "Give a whole number.",
    "decimal_parsing": "Give a number.",
    "decimal_type": "Give a number.",
    "finite_number": "Give a number.",
    "decimal_max_places": "Give at most two decimals.",
    "decimal_max_digits": "That number is too large.",
    "decimal_whole_digits": "That number is too large.",
    "string_type": "Give a text.",
    "string_unicode": "That text has characters that cannot be kept.",
}


def problem(status: int, title: str, detail: str, errors: dict[str, str] | None = None) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors is not None:
        body["errors"] = errors
    return JSONResponse(body, status, media_type="application/problem+json")


def invalid(errors: dict[str, str]) -> JSONResponse:
    return problem(422, "Not valid", "Some fields need attention: " + ", ".join(errors) + ".", errors)


def install_problem_handlers(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors: dict[str, str] = {}
        for item in error.errors():
            where = [str(part) for part in item["loc"][1:]]  # the first says body, query or path
            if item["type"] == "json_invalid" or not where:
                return problem(400, "Not understood", "Send a JSON object.")
            said = str(item.get("ctx", {}).get("error") or WORDS.get(item["type"]) or item["msg"] + ".")
            if item.get("input") is None and item["type"] != "missing":
                said = WORDS["missing"]
            errors.setdefault(where[0], said)
        return invalid(errors)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "Not found" if error.status_code == 404 else "Refused", str(error.detail))

    @app.exception_handler(asyncpg.ForeignKeyViolationError)
    async def dangling(request: Request, error: asyncpg.ForeignKeyViolationError) -> JSONResponse:
        field = (error.detail or "").partition("(")[2].partition(")")[0].strip('"')
        return invalid({field: "There is no such record (any more)."} if field else {})

    @app.exception_handler(asyncpg.InsufficientPrivilegeError)
    async def read_only(request: Request, error: asyncpg.InsufficientPrivilegeError) -> JSONResponse:
        return problem(507, "Full", "The database takes no new data, because its storage is used up. Delete something first.")

    @app.exception_handler(asyncpg.IntegrityConstraintViolationError)
    @app.exception_handler(asyncpg.DataError)
    async def not_acceptable(request: Request, error: asyncpg.PostgresError) -> JSONResponse:
        return problem(422, "Not valid", "The database does not accept these values.")

    @app.exception_handler(Unreachable)
    @app.exception_handler(asyncpg.InterfaceError)
    @app.exception_handler(asyncpg.PostgresConnectionError)
    @app.exception_handler(asyncpg.OperatorInterventionError)
    @app.exception_handler(asyncpg.InsufficientResourcesError)
    async def no_database(request: Request, error: Exception) -> JSONResponse:
        print(f"The database does not answer: {type(error).__name__}: {error}", flush=True)
        return problem(503, "Try again", "The database does not answer at the moment. Try again shortly.")

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return problem(500, "Failed", "Something went wrong in the app; its log says what.")
