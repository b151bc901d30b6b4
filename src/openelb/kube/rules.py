"""The rules of our schemas in CEL, which the API server itself holds, also while no manager is there to be asked.

They say what one object alone can say wrong. Nothing newer than Kubernetes 1.30 is used in them.
"""

from dataclasses import dataclass

from openelb.kube.fields import AS_TRANS, OF_NOBODY, TOO_SHORT
from openelb.plan.admission import NO_ADDRESS, NO_INTERFACE
from openelb.plan.placement import LABEL_LENGTH, MISNAMED

NO_EIP = "spec.eip is empty: name an Eip"
NOT_EITHER = "give either spec.addresses or spec.count, and not both"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to be so, as an expression about `{it}`, and what an author is told where it is not.

    What broke the rule before a change may do so after it, unless there is another `excuse`, an expression too. A rule that
    came later would else forbid every change of an older object, the end of a finalizer included. Of an item of a list the server
    does not know which one it was before: there a rule is for `items` that no older release had.
    """

    expression: str
    message: str
    excuse: str = ""
    items: bool = False

    def schema(self) -> dict[str, object]:
        """As `x-kubernetes-validations` has it."""
        if self.items:
            return {"rule": self.expression.replace("{it}", "self"), "message": self.message}
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

# Of BGP. What the schemas of older releases take without a word, they go on taking where it may be meant.
NEAR_OR_FAR = Rule(
    "!(has({it}.ebgpMultihop) && has({it}.ebgpMultihop.enabled) && {it}.ebgpMultihop.enabled && has({it}.bfd))",
    "spec.bfd is for peers on the next link, and spec.ebgpMultihop for others: leave one of them out",
)
MULTIHOP_OR_SECURITY = Rule(
    "!(has({it}.ebgpMultihop) && has({it}.ebgpMultihop.enabled) && {it}.ebgpMultihop.enabled && "
    "has({it}.ttlSecurity) && has({it}.ttlSecurity.enabled) && {it}.ttlSecurity.enabled)",
    "spec.ebgpMultihop and spec.ttlSecurity exclude each other: enable one of them",
)
ONE_PASSWORD = Rule(
    "!(has({it}.authPasswordSecretRef) && has({it}.conf) && has({it}.conf.authPassword) && {it}.conf.authPassword != '')",
    "both spec.conf.authPassword and spec.authPasswordSecretRef are given: leave out the first",
)
ONE_WAY_TO_KNOW = Rule(
    "(has({it}.neighborAddress) && {it}.neighborAddress != '' ? 1 : 0) + "
    "(has({it}.neighborInterface) && {it}.neighborInterface != '' ? 1 : 0) + "
    "(has({it}.neighborPrefix) && {it}.neighborPrefix != '' ? 1 : 0) < 2",
    "spec.conf has several of neighborAddress, neighborInterface and neighborPrefix: give one of them",
)
SOMEBODYS_OWN = Rule(f"{{it}} != {AS_TRANS}", f"{AS_TRANS} is given, {OF_NOBODY}")
SECONDS = Rule(
    "{it}.matches('^([0-9]{1,5})?$')",
    'write whole seconds as text, for example "90"',
    excuse="oldSelf.value() == self",
)
LONG_ENOUGH = Rule("{it} != '1' && {it} != '2'", TOO_SHORT, excuse="oldSelf.value() == self")
COMMUNITY = Rule(
    "{it}.matches('^([0-9]{1,10}|[0-9]{1,5}:[0-9]{1,5}|[A-Za-z][A-Za-z-]*)$')",
    "write two numbers up to 65535, as in 65000:100, or a name such as no-export",
    items=True,
)
LARGE_COMMUNITY = Rule(
    "{it}.matches('^[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$')",
    "write three numbers up to 4294967295, as in 65000:1:2",
    items=True,
)
