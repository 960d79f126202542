// What jsforce finds in the sandbox, as JSON: `node jsforce.js '{"url": ..., "token": ...}'`.
const jsforce = require("jsforce");

async function everything(known) {
  const found = {};
  const version = "62.0";
  const conn = new jsforce.Connection({ instanceUrl: known.url, accessToken: known.token, version });
  const accounts = conn.sobject("Account");
  const since = [new Date(Date.now() - 3600e3), new Date(Date.now() + 60e3)];

  found.user = (await conn.identity()).username;
  const [made, again, refused] = await accounts.create([{ Name: "J1" }, { Name: "J2" }, { Foo: 1 }]);
  found.made = [made.success, again.success, refused.errors[0].statusCode];
  found.updated = (await accounts.update({ Id: made.id, Rating: "Hot" })).success;
  found.upserted = (await accounts.upsert({ Ext__c: "j", Name: "J3" }, "Ext__c")).created;
  found.rating = (await accounts.retrieve(made.id)).Rating;
  found.ratings = (await accounts.retrieve([made.id, again.id])).map((one) => one.Rating);

  const read = [];
  const query = conn.query("SELECT Id, Name, Owner.Name FROM Account ORDER BY Id");
  await new Promise((resolve, reject) =>
    query.on("record", (one) => read.push(one.Id)).on("end", resolve).on("error", reject)
      .run({ autoFetch: true, maxFetch: 100000 }));
  found.read = [read.length, new Set(read).size, query.totalFetched];
  const after = jsforce.SfDate.toDateTimeLiteral(new Date(2020, 1, 1));
  found.names = (await accounts.find({ Name: { $like: "J_" }, CreatedDate: { $gt: after } }, "Name")
    .sort({ Name: -1 }).limit(2).execute()).map((one) => one.Name);
  found.described = (await conn.describe("Account")).fields.some((one) => one.name === "Ext__c");
  found.objects = (await conn.describeGlobal()).sobjects.some((one) => one.name === "Opportunity");
  found.left = (await conn.limits()).DailyApiRequests.Remaining + conn.limitInfo.apiUsage.used;
  await accounts.delete([made.id]);
  found.deleted = (await accounts.deleted(...since)).deletedRecords.map((one) => one.id === made.id);
  found.changed = (await accounts.updated(...since)).ids.includes(again.id);
  found.refused = await conn.query("SELECT Foo FROM Account").catch((error) => error.errorCode);

  conn.bulk2.pollInterval = 20;
  conn.bulk2.pollTimeout = 60000;
  const input = [{ Ext__c: "b1", Name: "B1" }, { Ext__c: "b2", Name: 'ü "q", x' }, { Ext__c: "b3", Name: "" }];
  const done = await conn.bulk2.loadAndWaitForResults(
    { object: "Account", operation: "upsert", externalIdFieldName: "Ext__c", input });
  found.loaded = [done.successfulResults.length, done.failedResults.map((one) => one.Ext__c)];
  const stream = await conn.bulk2.query("SELECT Name FROM Account WHERE Ext__c LIKE 'b%' ORDER BY Name");
  found.bulk = (await stream.toArray()).map((one) => one.Name);

  const field = { fullName: "Account.Js__c", label: "Js", type: "Text", length: 20 };
  found.field = (await conn.metadata.create("CustomField", [field]))[0].success;
  const changes = [{ ...field, label: "Js 2" }, { ...field, fullName: "Account.Bad" }];
  found.fields = (await conn.metadata.upsert("CustomField", changes)).map((one) => one.success);
  found.label = (await conn.metadata.read("CustomField", "Account.Js__c")).label;
  found.listed = (await conn.metadata.list({ type: "CustomField" }, version)).map((one) => one.fullName);
  found.types = (await conn.metadata.describe(version)).metadataObjects.map((one) => one.xmlName);
  found.tooling = (await conn.tooling.query("SELECT Id FROM CustomField")).totalSize;

  const old = new jsforce.Connection({ loginUrl: known.url, version });
  found.password = (await old.login(known.username, known.password)).organizationId.slice(0, 3);
  const app = new jsforce.Connection({ oauth2: { loginUrl: known.url, clientId: known.client_id,
    clientSecret: known.client_secret, redirectUri: "http://localhost/" } });
  await app.authorize({ grant_type: "client_credentials" });
  found.app = (await app.query("SELECT count() FROM User")).totalSize > 0;
  return found;
}

everything(JSON.parse(process.argv[2])).then(
  (found) => console.log(JSON.stringify(found)),
  (error) => { console.error(error); process.exit(1); });
