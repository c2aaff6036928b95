"""Order statistics and moments of several variables: median, quantile, cov."""
