"""What a case is."""
import dataclasses
import typing

SEVERITIES = (None, "informational", "low", "medium", "high", "critical")


@dataclasses.dataclass(frozen=True)
class Case:
    number: str
    description: str
    write: typing.Callable                 # (capture, world) -> the registered items that leave: file names, numbers of reads
    severity: str | None                   # of the alerts together; None: there must be none
    methods: frozenset | set = frozenset()  # of the complete sightings
    rules: tuple = ()                      # must be among those that raised it
    anomalies: tuple = ()                  # must be reported
    look_alikes: bool = False              # weak sightings by looks may name other registered pictures, and raise ...
    tolerated: str | None = None           # ... this instead
    streamed: bool = False                 # into `replay -` while it is being made
