// Answers a batch of questions about IAM policies, offline: JSON on standard input, JSON on standard output.
// What the library would pass over in silence ends the program: a faulty policy, an action that cannot be asked of such
// a resource, a context key that AWS never sends with it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.argv[2]}/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(`@cloud-copilot/${name}`)));
const { anonymousPrincipal, runSimulation, runUnsafeSimulation } = await load("iam-simulate");
const policies = await load("iam-policy");
const CHECKS = {
  identity: policies.validateIdentityPolicy,
  resource: policies.validateResourcePolicy,
  trust: policies.validateTrustPolicy,
};

const refuse = (what, why) => {
  console.error(`${JSON.stringify(what)}: ${JSON.stringify(why)}`);
  process.exit(1);
};

const given = JSON.parse(readFileSync(0, "utf8"));
const validated = ({ kind, document }) => {
  const checked = policies.createValidatedPolicy(document, CHECKS[kind], { name: kind });
  return checked.errors.length ? refuse(document, checked.errors) : checked;
};
const documents = given.documents.map(validated);

const simulation = ({ principal, action, resource, account, context, identity, policy }) => ({
  request: {
    principal: principal === "anonymous" ? anonymousPrincipal : principal,
    action,
    resource: { resource, accountId: account },
    contextVariables: context,
  },
  identityPolicies: identity.map((at) => ({ name: `policy ${at}`, policy: documents[at] })),
  serviceControlPolicies: [],
  resourceControlPolicies: [],
  resourcePolicy: policy === null ? undefined : documents[policy],
});
// "Unsafe" is without checks of the question, which take most of the time and are made once for each form.
const unchecked = (question) => runUnsafeSimulation(simulation(question), {}) === "Allowed";

// AWS documents these two for every provider of tokens; the library's list of keys does not have them for GitHub's.
const OF_EVERY_TOKEN = /^token\.actions\.githubusercontent\.com:(aud|sub)$/;

const answers = [];
const checked = new Set();
for (const question of given.questions) {
  const allowed = unchecked(question);
  const form = `${question.action} ${question.resource} ${Object.keys(question.context)}`;
  if (!checked.has(form)) {
    const answer = await runSimulation(simulation(question), {});
    if (answer.resultType !== "single") refuse(question, answer);
    const ignored = answer.result.ignoredContextKeys;
    const unknown = ignored.filter((key) => !OF_EVERY_TOKEN.test(key));
    if (unknown.length) refuse(question, { unknown });
    if (!ignored.length && (answer.overallResult === "Allowed") !== allowed) refuse(question, "unchecked, it is answered otherwise");
    checked.add(form);
  }
  answers.push(allowed);
}

// The first question that a mutant answers otherwise. A statement says something about its own actions only, so those of
// statements that are the same are not asked. They are gone through in great steps, since neighbours are alike.
const STEP = 7919;
const statementsOf = ({ Statement }) => Statement.map((it) => JSON.stringify(it));
const patternOf = (action) => new RegExp(`^${action.replaceAll("*", ".*")}$`, "i");
const changedActions = (before, after) => {
  const [old, now] = [statementsOf(before), statementsOf(after)];
  const changed = [...old.filter((it) => !now.includes(it)), ...now.filter((it) => !old.includes(it))];
  return changed.flatMap((it) => JSON.parse(it).Action ?? refuse(it, "it has no actions")).map(patternOf);
};
const differing = ({ at, ...mutant }) => {
  const original = documents[at];
  const patterns = changedActions(given.documents[at].document, mutant.document);
  documents[at] = validated(mutant);
  const count = given.questions.length;
  let found = null;
  for (let tried = 0; tried < count && found === null; tried++) {
    const number = (tried * STEP) % count;
    const question = given.questions[number];
    if (question.policy !== at && !question.identity.includes(at)) continue;
    if (!patterns.some((pattern) => pattern.test(question.action))) continue;
    if (unchecked(question) !== answers[number]) found = number;
  }
  documents[at] = original;
  return found;
};
if (given.questions.length % STEP === 0) refuse(given.questions.length, "the step would not reach every question");
const noticed = [];
for (const mutant of given.mutants) noticed.push(differing(mutant));
process.stdout.write(JSON.stringify({ answers, noticed }));
