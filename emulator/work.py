"""What passes between the operations, which touch the database, and the dispatcher, which does not.

An operation is a plain function that takes a `Work` first. It reads the time from it and leaves in
it what the dispatcher has to do; that is looked at after the commit and only then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from .errors import Refused

if TYPE_CHECKING:
    from .runner import Permit


@dataclass(slots=True)
class Order:
    """Everything that one HTTP request of one attempt needs, read in the claiming transaction."""

    task: int  # primary keys: nothing of the row itself is kept while the request runs
    queue_id: str
    task_id: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    credentials: "Credentials | None"
    deadline: timedelta
    schedule_time: datetime
    dispatch_time: datetime
    retry_count: int
    execution_count: int
    previous_response: int | None
    forced: bool
    app_engine: str = ""  # the App Engine service that it is for; then `url` is relative
    queue_name: str = ""
    extra: bool = False  # a duplicate made on purpose: its answer changes nothing
    attempt: int = 0  # the primary key, once it is stored


@dataclass(frozen=True)
class Credentials:
    """The account a request speaks for: an OIDC token for `audience`, or an OAuth token."""

    account: str
    audience: str | None
    scope: str = ""


@dataclass(slots=True)
class Work:
    """One run of an operation: when it ran, and what follows from it once it is committed."""

    now: datetime
    due: dict[int, datetime] = field(default_factory=dict)
    altered: set[int] = field(default_factory=set)
    orders: list[Order] = field(default_factory=list)
    permitted: list[tuple[Order, "Permit"]] = field(default_factory=list)
    again: bool = False  # it may have been committed before, and the answer to that was lost
    created: int = 0  # tasks
    quiet: bool = False  # it only looked: nobody who waits for a change need look again

    def expect(self, queue: int, instant: datetime) -> None:
        """Say that a task of `queue` is due at `instant`."""
        self.due[queue] = min(instant, self.due.get(queue, instant))


Operation = Callable[[Work], Any]


@dataclass(frozen=True, slots=True)
class More:
    """What an operation returns that has only begun: the rest, to be run after whoever waits.

    Its caller is answered with what the last part brings.
    """

    rest: Operation


def then(result: Any, finish: Callable[[Any], Any]) -> Any:
    """Return `finish` of a result, or more that ends so."""
    if not isinstance(result, More):
        return finish(result)
    return More(lambda work: then(result.rest(work), finish))


class Group:
    """An operation of which many are run as one, in a few statements for all of them."""

    @classmethod
    def together(cls, runs: Sequence[tuple[Work, Self]]) -> list[Any]:
        """Return for each what it brought: its result, or the Refused that it would raise."""
        raise NotImplementedError

    def __call__(self, work: Work) -> Any:
        """Run this one alone."""
        (result,) = self.together([(work, self)])
        if isinstance(result, Refused):
            raise result
        return result

    def begin(self) -> None:
        """Get ready; called on the loop when it is handed to the committer."""

    def settled(self) -> None:
        """Give back what is left over; called on the loop when it is committed or has failed."""
