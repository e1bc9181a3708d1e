"""The gate to `@champion`: whether a registered candidate may take the champion's place."""
