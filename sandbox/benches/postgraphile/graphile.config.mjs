// PostGraphile as its documentation advises for production, on the tables of the war; DATABASE_URL and PORT say where.
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

// PostGraphile 5 is written for Node.js 22; this is all of it that 20 lacks.
Promise.withResolvers ??= function withResolvers() {
  const parts = {};
  parts.promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

export default {
  extends: [PostGraphileAmberPreset],
  // It takes our partial indexes for none, and would let nobody filter or order by what they serve.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["public"],
      poolConfig: { max: 10 },
    }),
  ],
  grafserv: { port: Number(process.env.PORT), host: "127.0.0.1", websockets: false, graphiql: false, watch: false },
  grafast: { explain: false },
};
