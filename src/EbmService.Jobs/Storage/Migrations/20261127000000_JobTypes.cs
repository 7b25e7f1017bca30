using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace EbmService.Jobs.Storage.Migrations
{
    /// <inheritdoc />
    public partial class JobTypes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.RenameColumn(
                name: "FirstChain",
                table: "blocks",
                newName: "Offset");

            migrationBuilder.RenameColumn(
                name: "Chains",
                table: "blocks",
                newName: "Count");

            migrationBuilder.AddColumn<string>(
                name: "Models",
                table: "jobs",
                nullable: true);

            // Types and reasons were names of C# enums; they are the words of the wire now.
            migrationBuilder.Sql("UPDATE jobs SET \"Type\" = lower(\"Type\")");
            migrationBuilder.Sql(
                "UPDATE jobs SET \"StopReason\" = CASE \"StopReason\" WHEN 'Steps' THEN 'completed' "
                + "ELSE lower(substr(\"StopReason\", 1, 1)) || substr(\"StopReason\", 2) END WHERE \"StopReason\" IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(
                "UPDATE jobs SET \"StopReason\" = CASE \"StopReason\" WHEN 'completed' THEN 'Steps' "
                + "ELSE upper(substr(\"StopReason\", 1, 1)) || substr(\"StopReason\", 2) END WHERE \"StopReason\" IS NOT NULL");
            migrationBuilder.Sql("UPDATE jobs SET \"Type\" = upper(substr(\"Type\", 1, 1)) || substr(\"Type\", 2)");

            migrationBuilder.DropColumn(
                name: "Models",
                table: "jobs");

            migrationBuilder.RenameColumn(
                name: "Count",
                table: "blocks",
                newName: "Chains");

            migrationBuilder.RenameColumn(
                name: "Offset",
                table: "blocks",
                newName: "FirstChain");
        }
    }
}
