"""The sample catalogue that ships with the package; `scripts/sample` makes its data files."""
