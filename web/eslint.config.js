import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["e2e/out/"] },
  js.configs.recommended,
  { files: ["watch/**"], languageOptions: { globals: globals.browser } },
  {
    files: ["e2e/**"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
];
