"""Benchmarks of tfgan_lite against what people write by hand; `python -m benchmarks.run`."""
