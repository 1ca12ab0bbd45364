"""Many people change and install jet templates at the same moment: dependencies stay without a cycle, nothing runs twice."""

import threading

import pytest
from plans import Plans

PEOPLE = 4
ROUNDS = 5


@pytest.fixture(scope="module")
def database(database_with_jets):
    return database_with_jets


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def people(server):
    return [server.client() for _ in range(PEOPLE)]


def at_once(*calls):
    """Make calls at the same moment. :return: their results; the error of one that was refused"""
    results, barrier = [None] * len(calls), threading.Barrier(len(calls))

    def make(number, call):
        barrier.wait()
        try:
            results[number] = call()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=make, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def depend(person, template, required, state):
    return person.create(
        "cx.tower.jet.template.dependency",
        template_id=template,
        template_required_id=required,
        state_required_id=state,
    )


def test_of_dependencies_that_close_a_cycle_together_one_is_refused(client, people, database):
    ((state,),) = database.query("SELECT id FROM cx_tower_jet_state WHERE reference = 'running'")
    for turn in range(ROUNDS):
        templates = [client.create("cx.tower.jet.template", name=f"Part {turn}.{n}") for n in range(PEOPLE)]
        pairs = zip(templates, templates[1:] + templates[:1], strict=True)
        results = at_once(
            *(
                lambda person=person, pair=pair: depend(person, *pair, state)
                for person, pair in zip(people, pairs, strict=True)
            )
        )
        refused = [one for one in results if isinstance(one, Exception)]
        assert len(refused) == 1, results
        assert "in a circle" in str(refused[0]), refused


def test_a_template_is_installed_once_however_many_ask(client, people, database, one_host):
    server_id = one_host.register(client)
    plans = Plans(client)
    for turn in range(ROUNDS):
        plan = plans.plan(plans.command("echo installed"))
        template = client.create("cx.tower.jet.template", name=f"Once {turn}", plan_install_id=plan)
        results = at_once(
            *(
                lambda person=person, template=template: person.call(
                    "cx.tower.jet.template", "install_on_servers", [template], servers=server_id
                )
                for person in people
            )
        )
        states = [one[0]["state"] for one in results if not isinstance(one, Exception)]
        assert states.count("processing") == 1, results
        assert all("just begun" in str(one) for one in results if isinstance(one, Exception)), results
        wait_until_installed(client, database, template)
        ((runs,),) = database.query("SELECT count(*) FROM cx_tower_plan_log WHERE plan_id = %s", (plan,))
        assert runs == 1


def test_what_several_templates_need_is_installed_once(client, people, database, one_host):
    server_id = one_host.register(client, "Shared")
    ((state,),) = database.query("SELECT id FROM cx_tower_jet_state WHERE reference = 'running'")
    plans = Plans(client)
    for turn in range(ROUNDS):
        plan = plans.plan(plans.command("sleep 0.2"))
        shared = client.create("cx.tower.jet.template", name=f"Shared {turn}", plan_install_id=plan)
        above = [client.create("cx.tower.jet.template", name=f"Above {turn}.{n}") for n in range(PEOPLE)]
        for template in above:
            depend(client, template, shared, state)
        results = at_once(
            *(
                lambda person=person, template=template: person.call(
                    "cx.tower.jet.template", "install_on_servers", [template], servers=server_id
                )
                for person, template in zip(people, above, strict=True)
            )
        )
        assert not [one for one in results if isinstance(one, Exception)], results
        for template in above:
            wait_until_installed(client, database, template)
        ((runs,),) = database.query("SELECT count(*) FROM cx_tower_plan_log WHERE plan_id = %s", (plan,))
        assert runs == 1


def wait_until_installed(client, database, template):
    """Wait for the runs of the installation, and check that it is done."""
    for _line in range(3):
        for (log,) in database.query(
            "SELECT plan_log_id FROM cx_tower_jet_template_install_line WHERE state = 'processing'"
        ):
            Plans(client).wait(log)
    rows = database.query(
        "SELECT state, message FROM cx_tower_jet_template_install WHERE jet_template_id = %s", (template,)
    )
    assert [state for state, _message in rows] == ["done"], rows
