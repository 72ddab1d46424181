// Synthetic secrets, one row a kind: family, name, and the form that its maker publishes. Nothing here was ever
// issued: a seed draws every character. In a form `{class:count}` draws characters of a class, all else stands as it
// is; `|` parts a form from the word that the service goes by, where nothing but a name beside it marks the secret.
//
// `§` stands for a dollar sign, which a template would take for its own. Classes: d digits, h hex, H hex in capitals, l small letters, k small letters and digits, K capitals and digits,
// a letters and digits, u base64url, b base64, 2 base32, p what people choose as a password.

export type SecretKind = {
  readonly family: string;
  readonly name: string;
  readonly form: string;
  /** The service's name, where the secret is only known by it; null where the form says it all. */
  readonly service: string | null;
};

const MARKED = `
scm github_pat ghp_{a:36}
scm github_oauth gho_{a:36}
scm github_user ghu_{a:36}
scm github_server ghs_{a:36}
scm github_refresh ghr_{a:76}
scm github_fine_grained github_pat_{a:22}_{a:59}
scm gitlab_pat glpat-{u:20}
scm gitlab_routable glpat-{u:27}.{k:2}{k:7}
scm gitlab_deploy gldt-{u:20}
scm gitlab_runner glrt-{u:20}
scm gitlab_trigger glptt-{h:40}
scm gitlab_job glcbt-{a:3}_{u:20}
scm gitlab_feed glft-{u:20}
scm gitlab_mail glimt-{u:25}
scm gitlab_agent glagent-{u:50}
scm gitlab_oauth gloas-{u:64}
scm gitlab_scim glsoat-{u:20}
scm gitlab_flags glffct-{u:20}
scm bitbucket_app ATBB{a:32}
scm sourcegraph sgp_{h:16}_{h:40}
packages npm npm_{a:36}
packages pypi pypi-AgEIcHlwaS5vcmc{u:150}
packages rubygems rubygems_{h:48}
packages nuget oy2{k:43}
packages clojars CLOJARS_{k:60}
packages docker_pat dckr_pat_{u:27}
packages jfrog_reference cmVmdGtuO{a:55}
packages artifactory AKCp{a:69}
cloud aws_id AKIA{2:16}
cloud aws_temporary ASIA{2:16}
cloud bedrock ABSK{b:120}
cloud google_api AIza{u:35}
cloud google_oauth_secret GOCSPX-{u:28}
cloud google_access ya29.{u:140}
cloud google_refresh 1//0{u:100}
cloud digitalocean_pat dop_v1_{h:64}
cloud digitalocean_oauth doo_v1_{h:64}
cloud digitalocean_refresh dor_v1_{h:64}
cloud alibaba_id LTAI{k:20}
cloud azure_ad {a:3}8Q~{u:34}
cloud heroku_v2 HRKU-AA{u:58}
cloud flyio_fo1 fo1_{u:43}
cloud flyio_fm2 fm2_{b:140}
cloud cloudflare_origin v1.0-{h:24}-{h:146}
cloud scalingo tk-us-{u:48}
cloud planetscale_password pscale_pw_{u:43}
cloud planetscale_token pscale_tkn_{u:43}
cloud planetscale_oauth pscale_oauth_{u:43}
cloud databricks dapi{h:32}
cloud supabase sbp_{h:40}
cloud supabase_secret sb_secret_{u:31}
cloud terraform {a:14}.atlasv1.{u:67}
cloud pulumi pul-{h:40}
cloud vault_service hvs.{u:95}
cloud vault_batch hvb.{u:150}
cloud vault_legacy s.{a:24}
cloud doppler dp.pt.{k:43}
cloud infracost ico-{a:32}
cloud tailscale tskey-auth-{a:16}-{a:32}
cloud openshift sha256~{u:43}
cloud clickhouse 4b1d{a:38}
cloud onepassword_key A3-{K:6}-{K:6}-{K:5}-{K:5}-{K:5}-{K:5}
cloud onepassword_service ops_eyJ{b:300}
ai openai sk-{a:20}T3BlbkFJ{a:20}
ai openai_project sk-proj-{u:74}T3BlbkFJ{u:74}
ai openai_admin sk-admin-{u:58}T3BlbkFJ{u:58}
ai anthropic sk-ant-api03-{u:93}AA
ai anthropic_admin sk-ant-admin01-{u:93}AA
ai huggingface hf_{l:34}
ai huggingface_org api_org_{l:34}
ai perplexity pplx-{a:48}
ai groq gsk_{a:52}
ai replicate r8_{a:37}
ai xai xai-{a:80}
ai nvidia nvapi-{u:64}
ai openrouter sk-or-v1-{h:64}
ai langsmith lsv2_pt_{h:32}_{h:10}
ai tavily tvly-{a:32}
chat slack_bot xoxb-{d:12}-{d:12}-{a:24}
chat slack_user xoxp-{d:12}-{d:12}-{d:12}-{h:32}
chat slack_app xapp-1-A{K:10}-{d:13}-{h:64}
chat slack_config xoxe.xoxp-1-{K:164}
chat slack_refresh xoxe-1-{K:146}
chat slack_legacy xoxs-{d:11}-{d:11}-{d:11}-{h:10}
chat slack_webhook https://hooks.slack.com/services/T{K:8}/B{K:10}/{a:24}
chat discord_webhook https://discord.com/api/webhooks/{d:18}/{u:68}
chat teams_webhook https://corp.webhook.office.com/webhookb2/{h:8}-{h:4}-{h:4}-{h:4}-{h:12}@{h:8}-{h:4}-{h:4}-{h:4}-{h:12}/IncomingWebhook/{h:32}/{h:8}-{h:4}-{h:4}-{h:4}-{h:12}
chat telegram {d:10}:AA{u:33}
chat discord_bot M{a:23}.{u:6}.{u:27}
money stripe_live sk_live_{a:24}
money stripe_test sk_test_{a:99}
money stripe_restricted rk_live_{a:24}
money stripe_webhook whsec_{a:32}
money square sq0atp-{u:22}
money square_secret sq0csp-{u:43}
money square_new EAAA{u:60}
money shopify_access shpat_{h:32}
money shopify_custom shpca_{h:32}
money shopify_private shppa_{h:32}
money shopify_shared shpss_{h:32}
money flutterwave FLWSECK_TEST-{h:32}-X
money razorpay rzp_live_{a:14}
money duffel duffel_live_{u:43}
money easypost EZAK{a:54}
money shippo shippo_live_{h:40}
money plaid access-production-{h:8}-{h:4}-{h:4}-{h:4}-{h:12}
mail sendgrid SG.{u:22}.{u:43}
mail brevo xkeysib-{h:64}-{a:16}
mail mailchimp {h:32}-us12
mail mailgun key-{h:32}
mail resend re_{a:8}_{a:24}
mail mailgun_signing_marked pubkey-{h:32}
watch grafana_service glsa_{a:32}_{h:8}
watch grafana_cloud glc_{b:80}
watch newrelic_user NRAK-{K:27}
watch newrelic_insert NRII-{a:32}
watch newrelic_browser NRJS-{h:19}
watch dynatrace dt0c01.{2:24}.{2:64}
watch sentry_user sntryu_{h:64}
watch sentry_org sntrys_eyJpYXQiO{a:120}_{a:43}
watch sonar squ_{h:40}
watch sumologic_marked sl.{u:135}
watch posthog phx_{a:43}
saas linear lin_api_{a:40}
saas notion ntn_{d:11}{a:35}
saas notion_legacy secret_{a:43}
saas airtable pat{a:14}.{h:64}
saas atlassian ATATT3xFfGF0{u:170}={H:8}
saas figma figd_{u:40}
saas postman PMAK-{h:24}-{h:34}
saas prefect pnu_{k:36}
saas readme rdme_{k:70}
saas frameio fio-u-{u:64}
saas typeform tfp_{u:59}
saas settlemint sm_pat_{a:16}
saas intra42 s-s4t2ud-{h:64}
saas octopus API-{K:26}
saas maxmind {a:6}_{a:29}_mmk
saas mapbox sk.eyJ{u:80}.{u:22}
saas contentful CFPAT-{u:43}
saas adobe p8e-{k:32}
saas harness pat.{u:22}.{h:24}.{a:20}
saas twilio SK{h:32}
saas facebook_page EAAM{a:120}
saas facebook_app {d:15}|{u:27}
saas yandex_iam t1.{u:60}.{u:86}
saas launchdarkly sdk-{h:8}-{h:4}-{h:4}-{h:4}-{h:12}
keys age AGE-SECRET-KEY-1{K:58}
keys jwt eyJ{u:33}.eyJ{u:80}.{u:43}
keys jwt_unsigned eyJ{u:30}.eyJ{u:60}.
keys pem_rsa -----BEGIN RSA PRIVATE KEY-----\\n{b:64}\\n{b:64}\\n{b:64}\\n{b:40}\\n-----END RSA PRIVATE KEY-----
keys pem_pkcs8 -----BEGIN PRIVATE KEY-----\\n{b:64}\\n{b:64}\\n{b:60}\\n-----END PRIVATE KEY-----
keys pem_ec -----BEGIN EC PRIVATE KEY-----\\n{b:64}\\n{b:64}\\n{b:36}\\n-----END EC PRIVATE KEY-----
keys openssh -----BEGIN OPENSSH PRIVATE KEY-----\\n{b:70}\\n{b:70}\\n{b:70}\\n{b:30}\\n-----END OPENSSH PRIVATE KEY-----
keys pgp -----BEGIN PGP PRIVATE KEY BLOCK-----\\n\\n{b:64}\\n{b:64}\\n{b:50}\\n={b:4}\\n-----END PGP PRIVATE KEY BLOCK-----
keys pem_encrypted -----BEGIN ENCRYPTED PRIVATE KEY-----\\n{b:64}\\n{b:64}\\n{b:50}\\n-----END ENCRYPTED PRIVATE KEY-----
keys bcrypt §2b§12§{a:53}
keys sha512_crypt §6§{a:16}§{a:86}
keys argon2 §argon2id§v=19§m=65536,t=3,p=4§{a:22}§{a:43}
`;

/** `{service}_{word}=value` in one of many syntaxes is all that marks these. */
const NAMED = `
named adafruit {u:32}
named adobe {h:32}
named airtable {k:17}
named algolia {k:32}
named alibaba {k:30}
named asana {k:32}
named atlassian {k:24}
named beamer b_{u:44}
named bitbucket {k:32}
named bittrex {k:32}
named cloudflare {u:40}
named codecov {k:32}
named cohere {a:40}
named coinbase {u:64}
named confluent {k:64}
named contentful {u:43}
named datadog {k:40}
named discord {h:64}
named droneci {k:32}
named dropbox {k:15}
named etsy {k:24}
named facebook {h:32}
named fastly {u:32}
named finicity {h:32}
named finnhub {k:20}
named flickr {k:32}
named freshbooks {k:64}
named gitter {u:40}
named gocardless live_{u:40}
named heroku {h:8}-{h:4}-{h:4}-{h:4}-{h:12}
named hubspot {H:8}-{H:4}-{H:4}-{H:4}-{H:12}
named intercom {u:60}
named jfrog {k:73}
named kraken {b:84}
named kucoin {h:24}
named launchdarkly {u:40}
named linear {h:32}
named linkedin {a:16}
named lob live_{h:35}
named looker {k:24}
named mailgun {h:32}-{h:8}-{h:8}
named mattermost {k:26}
named meraki {h:40}
named messagebird {k:25}
named netlify {u:43}
named newrelic {k:64}
named nytimes {u:32}
named okta 00{u:40}
named plaid {k:30}
named rapidapi {u:50}
named sendbird {h:40}
named sentry {h:64}
named snyk {h:8}-{h:4}-{h:4}-{h:4}-{h:12}
named sonar {k:40}
named squarespace {h:8}-{h:4}-{h:4}-{h:4}-{h:12}
named sumo {a:64}
named travis {a:22}
named trello {a:32}
named twitch {k:30}
named twitter {k:45}
named vercel {a:24}
named yandex AQVN{u:36}
named zendesk {k:40}
named azure_storage {b:86}==
named aws_secret {b:40}
named service_bus {b:43}=
named session {a:32}
named internal {p:14}
named database {p:12}
named backup {p:18}
`;

const rowsOf = (table: string): string[] => table.trim().split("\n");

export const SECRET_KINDS: readonly SecretKind[] = [
  ...rowsOf(MARKED).map((row) => read(row, false)),
  ...rowsOf(NAMED).map((row) => read(row, true)),
];

function read(row: string, isNamed: boolean): SecretKind {
  const [family = "", name = "", ...form] = row.split(" ");
  return {
    family,
    name: isNamed ? `named_${name}` : name,
    form: form.join(" ").replaceAll("\\n", "\n").replaceAll("§", "$"),
    service: isNamed ? name : null,
  };
}
