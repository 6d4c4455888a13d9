"""How fast a queue may dispatch: a token bucket on a clock that the caller reads."""

import math


def burst_size(rate: float) -> int:
    """Return the max_burst_size of a queue of `rate` dispatches a second.

    A fit to every pair seen in Google's answers (0.25, 1 and 5 give 10; 500 gives 100); the middle
    of the range is undocumented.
    """
    return max(10, min(100, math.ceil(rate / 5)))


class TokenBucket:
    """Holds up to `burst` tokens, starts full, gains `rate` a second; one dispatch takes one.

    `now` is seconds of any monotonic clock, always the same one.
    """

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = float(burst)
        self._at = now

    def available(self, now: float) -> int:
        """Return how many whole tokens can be taken at once."""
        self._refill(now)
        # Sums of floats fall a hair short of the whole token that was waited for.
        return math.floor(self._tokens + 1e-9)

    def take(self, count: int) -> None:
        """Remove `count` tokens, which `available` has just promised."""
        self._tokens -= count

    def give_back(self) -> None:
        """Have back a token that was taken for nothing."""
        self._tokens = min(float(self.burst), self._tokens + 1)

    def wait(self, now: float) -> float:
        """Return the seconds until one token is there; 0 where one already is."""
        self._refill(now)
        return max(0.0, (1 - self._tokens) / self.rate)

    def adjust(self, rate: float, burst: int, now: float) -> None:
        """Go on at another rate; tokens already gained are kept as far as `burst` allows."""
        self._refill(now)
        self.rate, self.burst = rate, burst
        self._tokens = min(self._tokens, burst)

    def _refill(self, now: float) -> None:
        gained = max(0.0, now - self._at) * self.rate
        self._tokens = min(float(self.burst), self._tokens + gained)
        self._at = now
