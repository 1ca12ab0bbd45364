"""What tests of dry runs share."""

from ..run.run_case import RunCase

LOGS = ("cx.tower.plan.log", "cx.tower.command.log")


class DryRunCase(RunCase):
    """Plans to look at, and short ways to read a report."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.write({"ssh_password": "x", "skip_host_key": True})
        Command = cls.env["cx.tower.command"]
        cls.colour = cls.env["cx.tower.variable"].create(
            {"name": "Colour", "reference": "dry_colour", "access_level": "1"}
        )
        cls.server.set_variable_value("dry_colour", "red")
        cls.echo = Command.create(
            {"name": "Echo", "code": "echo {{ dry_colour }}", "path": "/opt", "allow_parallel_run": True}
        )
        cls.facts = Command.create(
            {
                "name": "Facts",
                "action": "python_code",
                "code": 'custom_values["_days"] = 7',
                "allow_parallel_run": True,
            }
        )

    @classmethod
    def command(cls, code="true", **values):
        return cls.env["cx.tower.command"].create(
            {"name": code[:30], "code": code, "allow_parallel_run": True, **values}
        )

    @classmethod
    def runs(cls, plan):
        return cls.command("", name=f"Runs {plan.name}", action="plan", flight_plan_id=plan.id)

    @classmethod
    def plan(cls, *lines, **values):
        rows = [line if isinstance(line, dict) else {"command_id": line.id} for line in lines]
        rows = [(0, 0, {"sequence": number, **row}) for number, row in enumerate(rows)]
        return cls.env["cx.tower.plan"].create({"name": "Dry", "line_ids": rows, **values})

    def report(self, plan, user=None, servers=None, **arguments):
        """Return the report of one server as a person sees it, and check that nothing was started."""
        before = [self.env[model].search_count([]) for model in LOGS]
        servers = servers or self.server
        result = plan.with_user(user or self.root).dry_run(servers.ids, **arguments)
        self.assertEqual([self.env[model].search_count([]) for model in LOGS], before)
        return result["servers"][0] if len(servers) == 1 else result

    @staticmethod
    def found(report, severity="problem"):
        return [(p["kind"], p["line"]) for p in report["problems"] if p["severity"] == severity]
