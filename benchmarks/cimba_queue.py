"""The queue of `benchmarks.clinic` as a model of cimba, which draws its own times.

In a module of its own, without postponed annotations: cimba compiles the class as it is defined.
"""

import cimba
from cimba import Input, Model, Output, Store, inputs


def queue(servers: int, load: float, n_visits: int) -> Model:
    """Visits that come to a queue of servers; `waited` is the sum of their waits."""

    class Queue(Model):  # type: ignore[misc]
        between: Input[float] = inputs.dist.exponential(mean=1 / (load * servers))
        length: Input[float] = inputs.dist.exponential(mean=1.0)
        line: Store[float]
        waited: Output[float]

        @cimba.on_start  # type: ignore[untyped-decorator]
        def begin(self) -> None:
            self.waited = 0.0

        @cimba.process  # type: ignore[untyped-decorator]
        def arrivals(self) -> None:
            for _ in range(n_visits):
                cimba.hold(self.between.next())
                self.line.put(cimba.now())

        @cimba.process(copies=servers)  # type: ignore[untyped-decorator]
        def server(self) -> None:
            while True:
                came = self.line.get()
                self.waited = self.waited + cimba.now() - came
                cimba.hold(self.length.next())

    return Queue()
