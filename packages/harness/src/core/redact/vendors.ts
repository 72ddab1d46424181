/**
 * Services that hand out credentials which nothing but the name beside them tells from an id: hex, UUIDs, or letters
 * and digits. Squeezed names, as wordsOf and its neighbours make them.
 */
export const VENDORS: ReadonlySet<string> = new Set(
  `adafruit adobe airtable airbrake algolia alibaba aliyun alchemy amplitude anthropic apify appdynamics appcenter
  artifactory asana atlassian auth0 authress aws azure backblaze bamboo beamer bintray bitbucket bitly bittrex binance
  bitfinex box braintree branch brevo bugsnag buildkite calendly cerebras circleci cisco clarifai clearbit clickhouse
  clickup clojars cloudflare cloudinary cloudsmith cockroach codacy codeclimate codecov codesandbox cohere coinbase
  coinmarketcap confluence confluent contentful contribsys convertkit coveralls customerio databricks datadog
  dataiku deepgram deepl deepseek deepai depot digitalocean discord discourse docker dockerhub docusign doppler drone droneci
  dropbox duffel dynatrace easypost elastic elasticsearch elevenlabs eventbrite etsy exa facebook fastly fauna fly figma
  finicity finnhub firebase firecrawl fireworks flickr flutterwave foursquare frameio freshbooks freshdesk front
  gemini github gitlab gitee gitter giphy gocardless godaddy grafana groq gumroad harness hashicorp helpscout heroku
  honeycomb honeybadger hubspot huggingface ibm imgur infracost infura instagram intercom ipinfo ipstack iterable jfrog jira jenkins
  jumpcloud keen keycloak kickbox klaviyo knapsack kraken kubernetes kucoin lambdatest langfuse langsmith launchdarkly line linear
  linkedin linode lob logentries loggly logzio lokalise looker mailchimp mailgun mailjet mailtrap mandrill mapbox mapquest marketo
  mattermost maxmind mercadopago meraki messagebird microsoft mistral mixpanel monday mongodb mollie moralis mux neon netlify newrelic
  ngrok notion npm nuget nvidia nylas nytimes octopus okta omnisend onelogin onesignal openai openrouter opsgenie optimizely
  pagerduty paddle paypal paystack pendo percy perplexity pinecone pinterest pipedrive pivotal plaid planetscale plivo posthog
  postman postmark prefect privateai pubnub pulumi pusher pypi qdrant quay rapid7 rapidapi razorpay readme recaptcha reddit redis
  render replicate resend revenuecat ringcentral rollbar rubygems sauce saucelabs scaleway scalingo segment sendbird sendgrid sendinblue
  sendgridapi sentry shippo shodan shopify shortcut sidekiq signalwire sinch slack snowflake snyk sonar sonarcloud sonarqube sourcegraph spotify square
  squarespace stabilityai statuspage stripe strava stytch sumo sumologic supabase surge tailscale tavily telegr telegram telegrambot telnyx
  terraform tiktok tinybird todoist together trello travis trustpilot tumblr twilio twitch twitter typeform uber unsplash upstash
  vercel vimeo virustotal voyage vonage vultr wakatime weatherapi webex webflow woocommerce workos xai xendit xray newyorktimes xero yandex yelp youtube zapier
  zendesk zenrows zeplin zerobounce zoho zoom`.split(/\s+/),
);

/** Shorter names are the beginnings of too many words. */
const GLUED_CHARS_MIN = 5;
const GLUED: readonly string[] = ["okta", "etsy", "snyk", "sumo", "jira", "xray"];

/** Whether a word is a service's name, or begins with one and goes on without a border: `herokukey`. */
export function namesVendor(word: string): boolean {
  if (VENDORS.has(word)) return word.length > 3;
  for (let end = Math.min(word.length - 1, 16); end >= GLUED_CHARS_MIN; end -= 1)
    if (VENDORS.has(word.slice(0, end))) return true;
  return GLUED.some((name) => word.startsWith(name));
}
