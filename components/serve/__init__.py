"""Predictions of registered models over HTTP, and the page that shows them."""
