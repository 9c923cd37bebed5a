"""The JSON Schemas of specs and reports, as package data."""
