using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace EbmService.Jobs.Storage.Migrations
{
    /// <inheritdoc />
    public partial class Durability : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Extends",
                table: "jobs",
                maxLength: 32,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "StopReason",
                table: "jobs",
                maxLength: 32,
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "StopStep",
                table: "jobs",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Tenant",
                table: "jobs",
                maxLength: 255,
                nullable: false,
                defaultValue: "default");

            migrationBuilder.AddColumn<int>(
                name: "CheckpointStep",
                table: "blocks",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<string>(
                name: "ResultSha256",
                table: "blocks",
                maxLength: 64,
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Extends",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "StopReason",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "StopStep",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "Tenant",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "CheckpointStep",
                table: "blocks");

            migrationBuilder.DropColumn(
                name: "ResultSha256",
                table: "blocks");
        }
    }
}
