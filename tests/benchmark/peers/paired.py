"""Figures of alternating rounds: ratios within a round, and an interval that supposes nothing about the noise."""
import math
import statistics

CERTAINTY = 0.93  # of an interval; five rounds give 0.9375 from the lowest to the highest


def interval(values):
    """(low, high) of the values between which the median of what they were drawn from lies with CERTAINTY, or, where
    they are too few, their range. By order statistics: each value is above the median with probability one half."""
    ordered, n = sorted(values), len(values)
    outside = lambda k: 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n
    cut = max((k for k in range((n - 1) // 2 + 1) if 1 - outside(k) >= CERTAINTY), default=0)
    return ordered[cut], ordered[n - 1 - cut]


def ratios(numerators, denominators):
    """Round by round."""
    return [a / b for a, b in zip(numerators, denominators)]


def geometric_mean(values):
    return statistics.geometric_mean(values)


def geometric_means(rows):
    """Of the first value of each row, of the second, ...: as many as the shortest row has."""
    return [geometric_mean(column) for column in zip(*rows)]
