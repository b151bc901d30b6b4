"""The rules of our schemas in CEL, which the API server itself holds, also while no manager is there to be asked.

They say what one object alone can say wrong. Nothing newer than Kubernetes 1.30 is used in them.
"""

from dataclasses import dataclass

from openelb.plan.admission import NO_ADDRESS, NO_INTERFACE
from openelb.plan.placement import LABEL_LENGTH, MISNAMED

NO_EIP = "spec.eip is empty: name an Eip"
NOT_EITHER = "give either spec.addresses or spec.count, and not both"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to be so, as an expression about `{it}`, and what an author is told where it is not.

    What broke the rule before a change may do so after it, unless there is another `excuse`, an expression too. A rule that
    came later would else forbid every change of an older object, the end of a finalizer included.
    """

    expression: str
    message: str
    excuse: str = ""

    def schema(self) -> dict[str, object]:
        """As `x-kubernetes-validations` has it."""
        now, before = (self.expression.replace("{it}", it) for it in ("self", "oldSelf.value()"))
        return {
            "rule": f"({now}) || (oldSelf.hasValue() && {self.excuse or f'!({before})'})",
            "message": self.message,
            "optionalOldSelf": True,
        }


def validations(*rules: Rule) -> dict[str, object]:
    """The rules of a part of a schema, as keys of it; none where there are none."""
    return {"x-kubernetes-validations": [rule.schema() for rule in rules]} if rules else {}


# Of the whole text and not of each part, and of the former one only whether it is the same: what an expression may cost is
# limited, and there are pools of 10,000 parts.
ADDRESS = Rule(
    r"{it}.matches('^[0-9A-Fa-f:.,/\\s-]+$')",
    f"{NO_ADDRESS}: write one address, a CIDR, a range first-last, or several with commas between, "
    "for example 192.0.2.10 or 192.0.2.0/24",
    excuse="oldSelf.value() == self",
)
INTERFACE = Rule(
    "!has({it}.protocol) || {it}.protocol == 'bgp' || (has({it}.interface) && {it}.interface != '')", NO_INTERFACE
)
NAME = Rule(f"size({{it}}.metadata.name) <= {LABEL_LENGTH}", MISNAMED)
OF_AN_EIP = Rule("{it}.eip != ''", NO_EIP)
EITHER = Rule("(has({it}.addresses) && size({it}.addresses) > 0) != (has({it}.count) && {it}.count != 0)", NOT_EITHER)
