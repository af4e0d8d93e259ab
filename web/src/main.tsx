// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import { App } from "./app";
import { listenKeys } from "./keys";
import { begin } from "./session";
import { applyTheme } from "./settings";

applyTheme();
listenKeys();
void begin();
render(<App />, document.getElementById("app")!);
