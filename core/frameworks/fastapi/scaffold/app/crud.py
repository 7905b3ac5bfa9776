"""The five verbs of a resource over its table.

The names of tables and columns come from the code alone; everything that a client sends is a parameter of the statement.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, get_type_hints

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, create_model

from app.db import database
from app.fields import LARGEST, Record


def crud(table: str, record: type[Record], *, one: str, search: Sequence[str] = ()) -> APIRouter:
    """Routes under ``/<table>`` for the records of ``table``; ``search`` names the columns that ``?q=`` looks into."""
    fields = [info.alias or name for name, info in record.model_fields.items()]
    columns = ", ".join(_quoted(column) for column in ["id", *fields, "created_at", "updated_at"])
    changes = _all_optional(record)
    router = APIRouter(tags=[table])

    async def found(sql: str, *values: Any, id: str) -> dict[str, Any]:
        if not id.isdecimal() or not id.isascii() or int(id) > LARGEST:
            raise HTTPException(404, f"There is no {one} {id[:40]}.")
        row = await database.row(sql, int(id), *values)
        if row is None:
            raise HTTPException(404, f"There is no {one} {id}.")
        return _plain(row)

    @router.get(f"/{table}")
    async def list_all(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    ) -> Response:
        """Newest first. A field's name as a parameter keeps the records that have that value."""
        where, values = ["true"], []
        if q.strip() and search:
            values.append("%" + _like(q.strip().replace("\0", "")) + "%")
            where.append("(" + " OR ".join(f"{_quoted(column)} ILIKE $1" for column in search) + ")")
        for column in fields:
            if column in request.query_params and column not in ("q", "limit", "offset"):
                values.append(request.query_params[column].replace("\0", ""))
                where.append(f"{_quoted(column)}::text = ${len(values)}")
        kept = f"FROM {_quoted(table)} WHERE {' AND '.join(where)}"
        rows = await database.rows(f"SELECT {columns} {kept} ORDER BY id DESC LIMIT {limit} OFFSET {offset}", *values)
        total = await database.value(f"SELECT count(*) {kept}", *values)
        return JSONResponse([_plain(row) for row in rows], headers={"x-total-count": str(total)})

    @router.post(f"/{table}", status_code=201)
    async def create(body: record) -> Response:  # type: ignore[valid-type]
        values = body.model_dump(by_alias=True)
        names = ", ".join(_quoted(column) for column in values)
        marks = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        row = await database.row(f"INSERT INTO {_quoted(table)} ({names}) VALUES ({marks}) RETURNING {columns}", *values.values())
        return JSONResponse(_plain(row), 201, headers={"location": f"/api/{table}/{row['id']}"})

    @router.get(f"/{table}/{{id}}")
    async def read(id: str) -> Response:
        return JSONResponse(await found(f"SELECT {columns} FROM {_quoted(table)} WHERE id = $1", id=id))

    @router.put(f"/{table}/{{id}}")
    @router.patch(f"/{table}/{{id}}")
    async def update(id: str, body: changes) -> Response:  # type: ignore[valid-type]
        """Sets the fields that were sent; the others stay."""
        values = body.model_dump(by_alias=True, exclude_unset=True)
        sets = [f"{_quoted(column)} = ${n}" for n, column in enumerate(values, start=2)]
        sql = f"UPDATE {_quoted(table)} SET {', '.join([*sets, 'updated_at = now()'])} WHERE id = $1 RETURNING {columns}"
        return JSONResponse(await found(sql, *values.values(), id=id))

    @router.delete(f"/{table}/{{id}}", status_code=204)
    async def delete(id: str) -> Response:
        await found(f"DELETE FROM {_quoted(table)} WHERE id = $1 RETURNING id", id=id)
        return Response(status_code=204)

    return router


def _all_optional(record: type[Record]) -> type[Record]:
    """The same fields with the same checks, none of which must be sent."""
    hints = get_type_hints(record, include_extras=True)
    optional = {name: (hints[name], Field(default=None, alias=info.alias)) for name, info in record.model_fields.items()}
    return create_model(record.__name__ + "Changes", __base__=Record, **optional)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _plain(row: Any) -> dict[str, Any]:
    return {name: _json(value) for name, value in row.items()}


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
