"""Signing in and out."""

from typing import Annotated, Any

from app.auth import sessions, users
from app.auth.attempts import TooMany, count, forgive
from app.auth.guard import refusal, unknown
from app.auth.passwords import acceptable, hashed, matches
from app.fields import Email, Line, Record
from app.problems import invalid
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, StringConstraints

router = APIRouter(tags=["auth"])


class NewAccount(Record):
    name: Annotated[Line, StringConstraints(max_length=100)]
    email: Annotated[Email, StringConstraints(max_length=254)]
    password: Annotated[str, AfterValidator(acceptable)]


class SignIn(Record):
    email: Annotated[Line, StringConstraints(max_length=254)]
    password: Annotated[str, StringConstraints(max_length=1000)]


def _shown(user: dict[str, Any]) -> dict[str, Any]:
    return {name: user[name] for name in ("id", "name", "email", "is_admin")}


@router.post("/register", status_code=201)
async def register(request: Request, sent: NewAccount) -> Response:
    try:
        if await users.registration() == "closed":
            raise users.Closed
        user = await users.add(sent.name, sent.email, await hashed(sent.password))
    except users.Closed as error:
        return refusal(403, "Closed", str(error))
    except users.Taken:
        return invalid({"email": "There is an account with this address already."})
    response = JSONResponse(_shown(user), 201)
    await sessions.begin(request, response, user["id"])
    return response


@router.post("/login")
async def login(request: Request, sent: SignIn) -> Response:
    """The same answer, after the same time, for a wrong password and an address that nobody has."""
    try:
        await count(sent.email)
    except TooMany as error:
        answer = refusal(429, "Too many tries", str(error))
        answer.headers["retry-after"] = str(error.seconds)
        return answer
    user = await users.with_address(sent.email)
    if not await matches(sent.password, user and user["password_hash"]) or user is None:
        return refusal(401, "Not signed in", "The address or the password is wrong.")
    await forgive(sent.email)
    response = JSONResponse(_shown(user))
    await sessions.begin(request, response, user["id"])
    return response


@router.post("/logout", status_code=204)
async def logout(request: Request) -> Response:
    response = Response(status_code=204)
    await sessions.end(request, response)
    return response


@router.get("/me")
async def me(request: Request) -> Response:
    found = await sessions.current(request)
    if found is None:
        return unknown(registration=await users.registration())
    response = JSONResponse(found.user)
    if found.token:
        sessions.set_cookie(request, response, found.token)
    return response
