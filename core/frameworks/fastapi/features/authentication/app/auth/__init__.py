"""Accounts: signing in and out, and the guard before the JSON API."""

from app.auth.guard import Guard
from app.auth.routes import router
from fastapi import FastAPI


def authentication(app: FastAPI) -> None:
    """Put before the app's resources."""
    app.add_middleware(Guard)
    app.include_router(router, prefix="/api/auth")
