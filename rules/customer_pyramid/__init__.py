"""The customer pyramid: who is Top, Big, Medium and Small, what changed, and what follows from it.

Pure functions from Ibis tables to Ibis tables, and from a few values to a few values. Import the
modules you need: this package loads nothing by itself, because Ibis takes a second to load.
"""
