"""One file per check: `NAME`, `SEVERITY` and `check(audited) -> Finding`, found by discovery."""
