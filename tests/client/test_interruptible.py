"""Steps that end early."""

import asyncio
import threading

import pytest

from sse_demo.client.interruptible import Interruptible


def always():
    return True


def test_a_step_that_waits_is_ended_from_another_thread():
    async def main():
        steps = Interruptible()
        begun = threading.Event()

        async def wait():
            begun.set()
            await asyncio.Event().wait()

        def interrupt():
            begun.wait(5)
            steps.interrupt(always)

        threading.Thread(target=interrupt).start()
        async with asyncio.timeout(5):
            await steps.run(wait)

    asyncio.run(main())


def test_an_interruption_whose_reason_has_gone_ends_nothing():
    async def main():
        steps = Interruptible()
        ended = []

        async def step():
            steps.interrupt(lambda: False)
            await asyncio.sleep(0.01)
            ended.append("in order")

        await steps.run(step)
        return ended

    assert asyncio.run(main()) == ["in order"]


def test_an_interruption_between_two_steps_ends_neither():
    async def main():
        steps = Interruptible()
        ended = []

        async def step():
            await asyncio.sleep(0.01)
            ended.append("in order")

        await steps.run(step)
        steps.interrupt(always)
        await steps.run(step)
        return ended

    assert asyncio.run(main()) == ["in order"] * 2


def test_an_interruption_after_the_loop_does_nothing():
    steps = Interruptible()
    steps.interrupt(always)
    loop = asyncio.new_event_loop()
    step = loop.create_task(steps.run(asyncio.Event().wait))
    loop.run_until_complete(asyncio.sleep(0))
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(step)
    loop.close()
    steps.interrupt(always)


@pytest.mark.parametrize("error", [TimeoutError, ValueError])
def test_what_a_step_raises_is_raised(error):
    async def fail():
        raise error("its own")

    with pytest.raises(error, match="its own"):
        asyncio.run(Interruptible().run(fail))


def test_a_task_that_is_cancelled_is_cancelled_and_not_interrupted():
    async def main():
        task = asyncio.create_task(Interruptible().run(asyncio.Event().wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
