"""Looking back: backtest, coverage, simulation, and the calibration of the confidence with its watch."""
