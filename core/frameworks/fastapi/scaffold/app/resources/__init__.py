"""What the app keeps: one module per resource, its router listed here."""

from fastapi import APIRouter

ROUTERS: list[APIRouter] = []
