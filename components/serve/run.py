"""Serving models until told to stop. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import logging
import os
import signal
import socket

import uvicorn

from components.core.errors import InputError
from components.serve.app import create
from components.serve.scratch import scratch_folder
from components.serve.service import Service
from components.serve.settings import Settings, check_reach

# Of a client that stops sending between two requests.
_IDLE_S = 15
# That answers under way have once the service is told to stop.
_GRACE_S = 10
# Of one question to the registry: MLflow's own patience is a quarter of an hour, in which the
# service could neither begin nor be stopped.
_REGISTRY = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "15", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
_TALKERS = ("uvicorn", "python_multipart", "asyncio")


def serve(settings: Settings) -> None:
    """Serve until a signal comes.

    Raises:
        ConfigError: other machines could reach it, and there is no token.
        InputError: the address is taken, or no model can be loaded.
    """
    check_reach(settings)
    _quiet()
    for name, value in _REGISTRY.items():
        os.environ.setdefault(name, value)
    # The server answers what is under way, cleans up and then hands the signal on.
    signal.signal(signal.SIGTERM, _stopped)
    listening = listen(settings.host, settings.port)
    port = listening.getsockname()[1]
    service = Service(settings, scratch_folder())
    app = create(service)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=_GRACE_S,
            lifespan="on",
        )
    )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    service.announce = f"serve: http://{host}:{port} - research only, not for clinical use"
    try:
        server.run(sockets=[listening])
    except SystemExit:  # the server's own way to say that nothing began; `trouble` says why
        if service.trouble is None:
            raise
    finally:
        service.close()
    if service.trouble is not None:
        raise service.trouble


def _stopped(*_: object) -> None:
    """End as asked, with everything that runs at an end: without it a signal skips that."""
    raise SystemExit(0)


def _quiet() -> None:
    """Keep the libraries' own logs empty: with an error they quote what was sent."""
    for name in _TALKERS:
        log = logging.getLogger(name)
        log.addHandler(logging.NullHandler())
        log.propagate = False


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, so that a taken address is told before models are loaded.

    Raises:
        InputError: it is taken, or no address of this machine.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
        )
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        why = os.strerror(number) if number and number > 0 else "no such name"
        raise InputError(
            f"'{host}' port {port} cannot be listened to ({why}); another service may "
            "hold it, choose another with port=…"
        ) from error
