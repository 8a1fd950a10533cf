"""Sampling cells and nuisance parameters with Optuna; imports nothing heavy, so that plans can be made with it."""
