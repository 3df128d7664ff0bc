"""What a template becomes when it is deployed: policies with real ARNs where the template has references."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.infra.templates import Template

REGION = "eu-west-1"
_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::URLSuffix": "amazonaws.com"}
_NAMED_BY = {
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}
_ARNS = {
    "AWS::CodeBuild::Project": "arn:aws:codebuild:{place}:project/{name}",
    "AWS::CodePipeline::Pipeline": "arn:aws:codepipeline:{place}:{name}",
    "AWS::Events::Rule": "arn:aws:events:{place}:rule/{name}",
    "AWS::IAM::OIDCProvider": "arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{place}:key/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{place}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{place}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
}
_REF_IS_ARN = {"AWS::IAM::OIDCProvider"}
_HASH = re.compile(r"[0-9A-F]{8}$")


@dataclass(frozen=True)
class Deployed:
    """One stack in one account.

    A name that CloudFormation would make up is the logical id without its hash, or what ``names`` has for that.
    """

    template: Template
    account: str
    names: dict[str, str] = field(default_factory=dict)

    @cached_property
    def policies(self) -> dict[str, dict[str, Any]]:
        """Every policy, by what it is and whose ARN: ``identity ROLE``, ``trust ROLE``, ``policy RESOURCE``."""
        found: dict[str, dict[str, Any]] = {}
        for logical, role in self.template.named("AWS::IAM::Role").items():
            assert not role.keys() & {"ManagedPolicyArns", "PermissionsBoundary"}, "these policies are not looked at"
            found[f"trust {self.arn(logical)}"] = self.resolve(role["AssumeRolePolicyDocument"])
            for policy in role.get("Policies", []):
                found.update(self._identity(logical, policy["PolicyDocument"], found))
        for policy in self.template.all("AWS::IAM::Policy"):
            for role in policy["Roles"]:
                if "Ref" in role:
                    found.update(self._identity(role["Ref"], policy["PolicyDocument"], found))
        for policy in self.template.all("AWS::S3::BucketPolicy"):
            found[f"policy {self.arn(policy['Bucket']['Ref'])}"] = self.resolve(policy["PolicyDocument"])
        for logical, key in self.template.named("AWS::KMS::Key").items():
            found[f"policy {self.arn(logical)}"] = self.resolve(key["KeyPolicy"])
        for policy in self.template.all("AWS::Events::EventBusPolicy"):
            statement = self.resolve(policy["Statement"])
            found[f"policy {statement['Resource']}"] = {"Version": "2012-10-17", "Statement": [statement]}
        return found

    def _identity(self, role: str, document: Any, found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        name = f"identity {self.arn(role)}"
        before = found[name]["Statement"] if name in found else []
        return {name: {"Version": "2012-10-17", "Statement": [*before, *self.resolve(document)["Statement"]]}}

    def name(self, logical: str) -> str:
        resource = self.template.resource(logical)
        named = resource.get("Properties", {}).get(_NAMED_BY.get(resource["Type"], ""))
        if named is not None:
            return str(self.resolve(named))
        made_up = _HASH.sub("", logical)
        if made_up in self.names:
            return self.names[made_up]
        return f"{made_up.lower()}-{self.account}" if resource["Type"] == "AWS::S3::Bucket" else made_up

    def arn(self, logical: str) -> str:
        form = _ARNS[self.template.resource(logical)["Type"]]
        return form.format(place=f"{REGION}:{self.account}", account=self.account, name=self.name(logical))

    def made(self, logical: str) -> str:
        """The ARN of what has this logical id, without its hash."""
        (found,) = (it for it in self.template.document["Resources"] if _HASH.sub("", it) == logical)
        return self.arn(found)

    def resolve(self, value: Any) -> Any:
        match value:
            case {"Ref": str(pseudo)} if pseudo.startswith("AWS::"):
                return {**_PSEUDO, "AWS::AccountId": self.account}[pseudo]
            case {"Ref": name}:
                return self.arn(name) if self.template.resource(name)["Type"] in _REF_IS_ARN else self.name(name)
            case {"Fn::GetAtt": [name, "Arn"]}:
                return self.arn(name)
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(str(self.resolve(part)) for part in parts)
            case dict():
                assert not any(key.startswith("Fn::") for key in value), f"this is not known here: {value}"
                return {key: self.resolve(it) for key, it in value.items()}
            case list():
                return [self.resolve(it) for it in value]
            case _:
                return str(value)
