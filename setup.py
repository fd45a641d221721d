"""A thin shim: metadata lives in pyproject.toml; here only the recipes join the package as `xgaze.recipes`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["xgaze", "xgaze.*"]), "xgaze.recipes"],
    package_dir={"xgaze.recipes": "recipes"},
)
