// What an installation is set to beside keys, rules and webhooks, which have pages of their own.

import type { ReactNode } from "react";
import { Page } from "../parts.tsx";
import { hashOf } from "../places.ts";
import { SigningKeys } from "../signing-keys.tsx";

export function SettingsPage(): ReactNode {
  return (
    <Page title="Settings">
      <p className="quiet">
        Elsewhere: <a href={hashOf({ page: "access" })}>keys to the API</a>,{" "}
        <a href={hashOf({ page: "rules", rule: null })}>rules</a>,{" "}
        <a href={hashOf({ page: "webhooks" })}>webhooks</a>.
      </p>
      <SigningKeys />
    </Page>
  );
}
