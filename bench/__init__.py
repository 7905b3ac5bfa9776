"""Measurements, side by side with what they are compared to, as ratios in one run. Nothing here is asserted by a timed test."""
