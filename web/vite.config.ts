import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Everything is served from the loopback server under one origin: no CDN, no inlined file (the shell's content
// security policy allows no data: scripts), names with a hash so that an upgrade is never half cached.
export default defineConfig({
  plugins: [react()],
  base: "/",
  build: {
    target: ["chrome105", "firefox112", "safari16.4"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: {
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
  },
});
