"""Command line of `promote`."""

from __future__ import annotations

import click

from components.core.command import reported_errors, yes_or_no


@click.command()
@click.option("--model", required=True, help="Registered model, e.g. ctrcd_head.")
@click.option("--version", default="", help="Version to promote; the one of @candidate if empty.")
@click.option("--gate", default="", help="A gate file given whole, instead of gate.yaml.")
@click.option("--set", "overrides", default="", help="e.g. discrimination.rule=non_inferiority.")
@click.option("--dry-run", default="false", help="true: judge, and leave the registry as it is.")
@click.option("--rollback", default="false", help="true: @champion goes back to @previous.")
@click.option("--debug", is_flag=True, help="Show an error's traceback, which may quote data.")
def main(
    model: str, version: str, gate: str, overrides: str, dry_run: str, rollback: str, *, debug: bool
) -> None:
    """Judge a registered version and make it champion; exit status 3 when it is refused."""
    with reported_errors(debug=debug):
        from components.core import aliases, store
        from components.core.errors import ConfigError
        from components.promote.gate import load_gate
        from components.promote.recorded import promote, rolled_back

        dry = yes_or_no("dry_run", dry_run)
        config = load_gate(gate, overrides)
        back = yes_or_no("rollback", rollback)
        if back and (version or gate or overrides):
            raise ConfigError(
                "'rollback' goes to @previous and judges nothing; leave version, gate and set out"
            )
        aliases.aliases(model)  # an unknown name makes no lock
        with store.exclusive(f"promote-{model}"):
            if back:
                rolled_back(model, dry=dry)
            else:
                promote(model, version, config, dry=dry)
