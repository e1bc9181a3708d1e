"""Command line of `serve`."""

from __future__ import annotations

import click

from components.core.command import reported_errors


@click.command()
@click.option("--model", default="ctrcd_head", show_default=True,
              help="Registered model, or several separated by commas.")  # fmt: skip
@click.option("--alias", default="champion", show_default=True,
              help="Whose version answers; the service follows it when it moves.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True,
              help="Address to listen on; any but this machine's own needs a token.")  # fmt: skip
@click.option("--port", default="8000", show_default=True,
              help="Port to listen on; 0 takes a free one.")  # fmt: skip
@click.option("--token-file", default="", show_default=True,
              help="File with the token; empty takes CARDIO_SERVE_TOKEN.")  # fmt: skip
@click.option("--text-encoder", default="", show_default=True,
              help="Folder of the frozen encoder of notes or events.")  # fmt: skip
@click.option("--set", "overrides", default="",
              help="Further settings: 'upload_mb=10 seconds=5'.")  # fmt: skip
@click.option("--workers", default=0, show_default=True, type=click.IntRange(min=0),
              help="Processes that compute; 0 takes one per core.")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show an error's traceback, which may quote data.")
def main(
    model: str,
    alias: str,
    host: str,
    port: str,
    token_file: str,
    text_encoder: str,
    overrides: str,
    workers: int,
    *,
    debug: bool,
) -> None:
    """Serve registered models: a page for people, an API for programs. Research only."""
    with reported_errors(debug=debug):
        from components.core.pool import worker_count
        from components.serve.run import serve
        from components.serve.settings import settings_of

        serve(
            settings_of(
                model, overrides, token_file,
                alias=alias, host=host, port=port, text_encoder=text_encoder,
                workers=worker_count(workers),
            )
        )  # fmt: skip
