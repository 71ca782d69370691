import asyncio

from agent.turns import Turn, Turns, aside


async def test_the_oldest_goes_first_and_only_so_many_at_once() -> None:
    turns = Turns(at_once=2)
    order: list[int] = []
    computing = most = 0

    async def run(number: int, turn: Turn) -> None:
        nonlocal computing, most
        async with turn:
            order.append(number)
            computing += 1
            most = max(most, computing)
            await asyncio.sleep(0)
            computing -= 1

    drawn = [turns.draw() for _ in range(6)]
    await asyncio.gather(*(run(number, drawn[number]) for number in (5, 3, 4, 0, 2, 1)))

    assert order == [5, 3, 0, 1, 2, 4]
    assert most == 2


async def test_who_waits_for_a_model_lets_others_go_on_and_comes_back_before_the_younger() -> None:
    turns = Turns(at_once=1)
    steps: list[str] = []
    answered = asyncio.Event()

    async def older(turn: Turn) -> None:
        async with turn:
            steps.append("older asks")
            async with aside():
                await answered.wait()
            steps.append("older goes on")

    async def younger(turn: Turn, name: str) -> None:
        async with turn:
            steps.append(name)
            answered.set()
            await asyncio.sleep(0.01)

    first, second, third = turns.draw(), turns.draw(), turns.draw()
    await asyncio.gather(older(first), younger(second, "second"), younger(third, "third"))

    assert steps == ["older asks", "second", "older goes on", "third"]


async def test_a_run_given_up_at_any_point_leaves_its_turn_to_the_next() -> None:
    turns = Turns(at_once=1)

    async def run() -> None:
        async with turns.draw():
            await asyncio.sleep(0)
            async with aside():
                await asyncio.sleep(0)
            await asyncio.sleep(0)

    for steps in range(12):
        tasks = [asyncio.create_task(run()) for _ in range(4)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async with asyncio.timeout(1):
        await run()


async def test_two_waits_of_one_run_give_its_turn_away_once() -> None:
    turns = Turns(at_once=1)

    async def wait() -> None:
        async with aside():
            await asyncio.sleep(0)

    async with turns.draw():
        await asyncio.gather(wait(), wait())
    async with asyncio.timeout(1), turns.draw():
        pass


async def test_outside_any_turn_waiting_is_just_waiting() -> None:
    async with aside():
        await asyncio.sleep(0)
