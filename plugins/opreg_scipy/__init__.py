"""opreg's plugins for SciPy: special functions, linear algebra, signals, distributions, integration.

Each of SciPy's modules is a plugin of its own, loaded, and SciPy with it, when a function of that module is
differentiated. SciPy is optional: without it these plugins are dormant.
"""
