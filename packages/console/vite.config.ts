import { defineConfig } from "vite";

export default defineConfig({
  // The harness serves what is built under this path.
  base: "/console/",
  oxc: { jsx: { runtime: "automatic" } },
  resolve: { conditions: ["assent-source", "module", "browser", "development|production"] },
  build: {
    outDir: "dist",
    assetsDir: "",
    target: "es2022",
    // A content security policy lets nothing in that stands within the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What is bundled goes out under its own licence, which wants to be shown with it.
    license: { fileName: "third-party-licenses.md" },
  },
});
