"""The pip package is described in pyproject.toml; some tools still look for this file."""

from setuptools import setup

setup()
