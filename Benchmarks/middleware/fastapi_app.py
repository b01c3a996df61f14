"""The same route behind what a FastAPI application usually has: PyJWT, a role check, slowapi, and a row in PostgreSQL for every request."""

import os
import time
import uuid

import asyncpg
import jwt
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from slowapi.util import get_remote_address
from starlette.responses import JSONResponse

KEY = bytes([7]) * 32
limiter = Limiter(key_func=get_remote_address)
app = FastAPI()
app.state.limiter = limiter
bearer = HTTPBearer()


@app.on_event("startup")
async def connect():
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=4)
    async with app.state.pool.acquire() as connection:
        await connection.execute(
            "create table if not exists event (id uuid primary key, time timestamptz not null default now(), actor text, "
            "method text, path text, status int, duration_us bigint, client inet)"
        )


@app.exception_handler(RateLimitExceeded)
async def too_many(request: Request, error: RateLimitExceeded):
    return JSONResponse({"detail": "too many requests"}, status_code=429)


@app.middleware("http")
async def audit(request: Request, call_next):
    start = time.perf_counter()
    response = await call_next(request)
    async with app.state.pool.acquire() as connection:
        await connection.execute(
            "insert into event (id, actor, method, path, status, duration_us, client) values ($1, $2, $3, $4, $5, $6, $7)",
            uuid.uuid4(), getattr(request.state, "actor", None), request.method, request.url.path, response.status_code,
            int((time.perf_counter() - start) * 1e6), request.client.host,
        )
    return response


def reader(request: Request, credentials: HTTPAuthorizationCredentials = Depends(bearer)):
    try:
        claims = jwt.decode(credentials.credentials, KEY, algorithms=["HS256"], audience="bench", issuer="https://bench")
    except jwt.PyJWTError:
        raise HTTPException(401)
    if "reader" not in claims.get("roles", []):
        raise HTTPException(403)
    request.state.actor = claims["sub"]
    return claims


@app.get("/books/{id}")
@limiter.limit("10000000/minute")
async def book(request: Request, id: int, claims: dict = Depends(reader)):
    return {"id": id, "title": "The Left Hand of Darkness"}
