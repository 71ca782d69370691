"""Makes the data files of the sample catalogue: `python -m scripts.sample.generate`."""
