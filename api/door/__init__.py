"""What every request passes: key, limits, strict JSON, errors and logs."""
