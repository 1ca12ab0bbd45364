from ..common import TowerCommon


class PlanCase(TowerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls._new_command("First", code="echo 1", path="/tmp")
        cls.second = cls._new_command("Second", code="echo {{ place }}")
        cls.place = cls.env["cx.tower.variable"].create({"name": "Place", "reference": "place"})
        cls.flag = cls.env["cx.tower.variable"].create({"name": "Flag", "reference": "flag"})

    @classmethod
    def _new_plan_command(cls, plan, name=None, **values):
        return cls._new_command(
            name or f"Run {plan.name}", action="plan", code=False, flight_plan_id=plan.id, **values
        )

    @classmethod
    def _full_plan(cls, name="Full", **values):
        """Create a plan with everything a plan can have."""
        lines = [
            {
                "command_id": cls.first.id,
                "condition": "{{ flag }}",
                "path": "/srv/{{ place }}",
                "use_sudo": True,
                "action_ids": [
                    (
                        0,
                        0,
                        {
                            "condition": ">",
                            "value_char": "1",
                            "action": "ec",
                            "custom_exit_code": 7,
                            "variable_value_ids": [
                                (0, 0, {"variable_id": cls.place.id, "value_char": "{{ flag }}/x"}),
                                (0, 0, {"variable_id": cls.flag.id, "value_char": False}),
                            ],
                        },
                    ),
                    (0, 0, {"condition": "!=", "value_char": " 0 ", "action": "n"}),
                ],
            },
            {"command_id": cls.second.id},
        ]
        return cls._new_plan(name, lines, on_error_action="ec", custom_exit_code=9, timeout_s=60, **values)
